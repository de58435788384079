"""What an infusion centre gives, as tables: drugs, regimens, doses, bags and running times.

This module owns the clinical content. It knows no chance, no clock and no HL7, so that an infusion
nurse can review it line by line. The doses are ordinary doses for adults and no medical advice.
"""

from chargeline.simulator.steps import (
    GLUCOSE,
    SALINE,
    Part,
    Regimen,
    RegimenStep,
    bag,
    dose_basis,
    fluid,
    mixed,
    push,
    shot,
)

# Drug id -> (readable name, unit of its amounts).
DRUGS: dict[str, tuple[str, str]] = {
    "acetaminophen": ("acetaminophen", "mg"),
    "azacitidine": ("azacitidine", "mg"),
    "bevacizumab": ("bevacizumab", "mg"),
    "bortezomib": ("bortezomib", "mg"),
    "carboplatin": ("carboplatin", "mg"),
    "ceftriaxone": ("ceftriaxone", "mg"),
    "cisplatin": ("cisplatin", "mg"),
    "cyclophosphamide": ("cyclophosphamide", "mg"),
    "denosumab": ("denosumab", "mg"),
    "dexamethasone": ("dexamethasone", "mg"),
    "dextrose-5-half-normal-saline": ("dextrose 5% in half-normal saline", "mL"),
    "diphenhydramine": ("diphenhydramine", "mg"),
    "docetaxel": ("docetaxel", "mg"),
    "doxorubicin": ("doxorubicin", "mg"),
    "famotidine": ("famotidine", "mg"),
    "ferric-carboxymaltose": ("ferric carboxymaltose", "mg"),
    "fluorouracil": ("fluorouracil", "mg"),
    "fosaprepitant": ("fosaprepitant", "mg"),
    "fulvestrant": ("fulvestrant", "mg"),
    "infliximab": ("infliximab", "mg"),
    "ipilimumab": ("ipilimumab", "mg"),
    "irinotecan": ("irinotecan", "mg"),
    "iron-sucrose": ("iron sucrose", "mg"),
    "leucovorin": ("leucovorin", "mg"),
    "leuprolide": ("leuprolide", "mg"),
    "magnesium-sulfate": ("magnesium sulfate", "mg"),
    "nivolumab": ("nivolumab", "mg"),
    "ondansetron": ("ondansetron", "mg"),
    "oxaliplatin": ("oxaliplatin", "mg"),
    "palonosetron": ("palonosetron", "mg"),
    "pegfilgrastim": ("pegfilgrastim", "mg"),
    "pembrolizumab": ("pembrolizumab", "mg"),
    "pemetrexed": ("pemetrexed", "mg"),
    "pertuzumab": ("pertuzumab", "mg"),
    "potassium-chloride": ("potassium chloride", "mEq"),
    "rituximab": ("rituximab", "mg"),
    "sodium-chloride-0.9": ("sodium chloride 0.9%", "mL"),
    "trastuzumab": ("trastuzumab", "mg"),
    "vancomycin": ("vancomycin", "mg"),
    "vincristine": ("vincristine", "mg"),
    "zoledronic-acid": ("zoledronic acid", "mg"),
}

# What is given under an authorization only (authorized.py).
AUTHORIZED: dict[str, tuple[str, str]] = {"siltuximab": ("siltuximab", "mg")}

# What serves the access line and is no treatment: its id -> (readable name, unit).
LINE_CARE: dict[str, tuple[str, str]] = {
    "heparin": ("heparin (porcine) 100 unit/mL", "unit"),
    "normal-saline": ("normal saline", "mL"),
}

# Fluid of a bag -> its code in RXC-2, where it is the base of a mixture.
VEHICLES: dict[str, str] = {SALINE: "SODIUM-CHLORIDE-0.9", GLUCOSE: "DEXTROSE-5"}

# RXR-1 -> (readable name, route as truth.json names it).
ROUTES: dict[str, tuple[str, str]] = {
    "IV": ("intravenous", "intravenous"),
    "SC": ("subcutaneous", "subcutaneous"),
    "IM": ("intramuscular", "intramuscular"),
    "PO": ("oral", "other"),
}


_TABLET = RegimenStep((Part("acetaminophen", dose_basis("650")),), "oral", route="PO")
_PALONOSETRON = push("palonosetron", "0.25", (0, 1))
_ONDANSETRON = push("ondansetron", "8", (2, 5))
_ONDANSETRON_BAG = bag("ondansetron", "16", (14, 18), 50)
_DEXAMETHASONE = bag("dexamethasone", "12", (14, 20), 50)
_FOSAPREPITANT = bag("fosaprepitant", "150", (20, 33), 150)
_DIPHENHYDRAMINE = push("diphenhydramine", "25", (1, 3))
_FAMOTIDINE = push("famotidine", "20", (2, 3), chance=70)
_SALINE_LITRE = fluid("sodium-chloride-0.9", 1000, (55, 125))
_LEUCOVORIN = bag(
    drug="leucovorin", dose="400/m2:10", minutes=(105, 125), volume_ml=250, vehicle=GLUCOSE
)._replace(beside=True)
_FLUOROURACIL = push("fluorouracil", "400/m2:10", (2, 5))
_PUMP = RegimenStep(
    (Part("fluorouracil", dose_basis("2400/m2:50")),),
    "infusion",
    (2760, 2760),
    volume_ml=92,
    device="PORTABLE-PUMP",
)
_ON_BODY = RegimenStep(
    (Part("pegfilgrastim", dose_basis("6")),), "on_body", route="SC", device="ON-BODY-INJECTOR"
)
_ELECTROLYTES = {"magnesium-sulfate": "2000", "potassium-chloride": "20"}

_CHAIR = ("recurring", "recurring", "recurring", "outpatient")
_CLINIC = ("outpatient",)

# Each regimen is one table: its orders in the order in which they are given.
REGIMENS: tuple[Regimen, ...] = (
    Regimen(
        name="FOLFOX",
        weight=9,
        classes=_CHAIR,
        diagnoses=(("Z51.11", "C18.9"), ("Z51.11", "C20"), ("Z51.11", "C18.7", "C78.7")),
        steps=(
            _PALONOSETRON,
            _DEXAMETHASONE,
            bag(
                drug="oxaliplatin",
                dose="85/m2:5",
                minutes=(112, 130),
                volume_ml=500,
                vehicle=GLUCOSE,
            ),
            _LEUCOVORIN,
            _FLUOROURACIL,
            _PUMP,
        ),
    ),
    Regimen(
        name="bevacizumab and FOLFIRI",
        weight=5,
        classes=_CHAIR,
        diagnoses=(("Z51.11", "Z51.12", "C18.9", "C78.7"),),
        steps=(
            mixed({"ondansetron": "16", "dexamethasone": "12"}, (14, 20), 50),
            bag("bevacizumab", "5/kg:25", (29, 62), 100),
            bag(
                drug="irinotecan",
                dose="180/m2:10",
                minutes=(86, 95),
                volume_ml=500,
                vehicle=GLUCOSE,
            ),
            _LEUCOVORIN._replace(minutes=(84, 95)),
            _FLUOROURACIL,
            _PUMP,
        ),
    ),
    Regimen(
        name="R-CHOP",
        weight=6,
        classes=_CHAIR,
        diagnoses=(("Z51.11", "Z51.12", "C83.30"), ("Z51.11", "Z51.12", "C85.10")),
        steps=(
            _TABLET,
            _DIPHENHYDRAMINE,
            bag("rituximab", "375/m2:10", (240, 360), 500)._replace(
                rates=(25, 50, 75, 100, 125, 150, 175, 200), gap=(20, 32)
            ),
            _ONDANSETRON,
            bag("cyclophosphamide", "750/m2:50", (29, 62)),
            push("doxorubicin", "50/m2:1", (3, 9)),
            push("vincristine", "2", (1, 3)),
        ),
    ),
    Regimen(
        name="TCHP",
        weight=5,
        classes=_CHAIR,
        diagnoses=(("Z51.11", "Z51.12", "C50.912"), ("Z51.11", "Z51.12", "C50.411")),
        steps=(
            _PALONOSETRON,
            _DEXAMETHASONE,
            bag("pertuzumab", "420", (29, 62)),
            bag("trastuzumab", "6/kg:6", (29, 92)),
            bag("docetaxel", "75/m2:5", (57, 66)),
            bag("carboplatin", "6/auc:10", (29, 62)),
        ),
        sexes="F",
    ),
    Regimen(
        name="docetaxel and cyclophosphamide, on-body injector",
        weight=4,
        classes=_CHAIR,
        diagnoses=(("Z51.11", "C50.912"),),
        steps=(
            _ONDANSETRON_BAG,
            _DEXAMETHASONE,
            bag("docetaxel", "75/m2:5", (57, 66)),
            bag("cyclophosphamide", "600/m2:50", (29, 62)),
            _ON_BODY,
        ),
        sexes="F",
    ),
    Regimen(
        name="carboplatin, pemetrexed and pembrolizumab",
        weight=5,
        classes=_CHAIR,
        diagnoses=(("Z51.11", "Z51.12", "C34.90"),),
        steps=(
            _DEXAMETHASONE,
            _ONDANSETRON,
            bag("pembrolizumab", "200", (28, 35), 100),
            bag("pemetrexed", "500/m2:25", (9, 16), 100),
            bag("carboplatin", "5/auc:10", (29, 62)),
        ),
    ),
    Regimen(
        name="cisplatin with hydration",
        weight=4,
        classes=_CHAIR,
        diagnoses=(("Z51.11", "C34.90"), ("Z51.11", "C67.9")),
        steps=(
            mixed(_ELECTROLYTES, (60, 125), 1000),
            _FOSAPREPITANT,
            _PALONOSETRON,
            _DEXAMETHASONE,
            bag("cisplatin", "75/m2:1", (58, 125), 500),
            _SALINE_LITRE,
        ),
    ),
    Regimen(
        name="pembrolizumab",
        weight=6,
        classes=_CHAIR,
        diagnoses=(("Z51.12", "C34.90"), ("Z51.12", "C43.9")),
        steps=(bag("pembrolizumab", "200", (28, 35), 100),),
    ),
    Regimen(
        name="nivolumab and ipilimumab",
        weight=4,
        classes=_CHAIR,
        diagnoses=(("Z51.12", "C43.9"), ("Z51.12", "C64.9")),
        steps=(
            bag("nivolumab", "3/kg:10", (28, 34), 100),
            bag("ipilimumab", "1/kg:10", (28, 34), 100)._replace(gap=(28, 34)),
        ),
    ),
    Regimen(
        name="bortezomib",
        weight=6,
        classes=_CHAIR,
        diagnoses=(("Z51.11", "C90.00"),),
        steps=(shot("bortezomib", "1.3/m2:0.1", "SC"),),
    ),
    Regimen(
        name="azacitidine on three days",
        weight=3,
        classes=("recurring",),
        diagnoses=(("Z51.11", "D46.9"),),
        steps=(
            shot("azacitidine", "75/m2:5", "SC"),
            shot("azacitidine", "75/m2:5", "SC")._replace(day=1),
            shot("azacitidine", "75/m2:5", "SC")._replace(day=2),
        ),
    ),
    Regimen(
        name="fulvestrant",
        weight=4,
        classes=_CLINIC,
        diagnoses=(("Z51.11", "C50.912"),),
        steps=(shot("fulvestrant", "250", "IM")._replace(doses=2, gap=(15, 40)),),
        sexes="F",
    ),
    Regimen(
        name="leuprolide",
        weight=3,
        classes=_CLINIC,
        diagnoses=(("C61",),),
        steps=(shot("leuprolide", "22.5", "IM"),),
        sexes="M",
    ),
    Regimen(
        name="denosumab",
        weight=3,
        classes=_CLINIC,
        diagnoses=(("M81.0",), ("C79.51", "C50.912")),
        steps=(shot("denosumab", "120", "SC"),),
    ),
    Regimen(
        name="pegfilgrastim",
        weight=3,
        classes=_CLINIC,
        diagnoses=(("D70.1", "C50.912"), ("D70.1", "C34.90")),
        steps=(shot("pegfilgrastim", "6", "SC"),),
    ),
    Regimen(
        name="iron sucrose as a push",
        weight=3,
        classes=_CLINIC,
        diagnoses=(("D50.9",), ("D50.0", "K92.2")),
        steps=(push("iron-sucrose", "200", (2, 5)),),
    ),
    Regimen(
        name="iron sucrose as an infusion",
        weight=3,
        classes=_CLINIC,
        diagnoses=(("D50.9",), ("D63.1", "N18.4")),
        steps=(bag("iron-sucrose", "300", (84, 95)),),
    ),
    Regimen(
        name="ferric carboxymaltose",
        weight=3,
        classes=_CLINIC,
        diagnoses=(("D50.9",), ("D50.8", "K90.9")),
        steps=(bag("ferric-carboxymaltose", "750", (14, 22)),),
    ),
    Regimen(
        name="hydration",
        weight=5,
        classes=("recurring", "outpatient", "emergency"),
        diagnoses=(("E86.0", "C18.9"), ("R11.2",)),
        steps=(
            fluid("sodium-chloride-0.9", 1000, (58, 125)),
            push("ondansetron", "4", (2, 5))._replace(beside=True),
            fluid("sodium-chloride-0.9", 1000, (60, 122))._replace(chance=50),
            _FAMOTIDINE,
        ),
    ),
    Regimen(
        name="hydration with dextrose",
        weight=3,
        classes=("outpatient", "emergency"),
        diagnoses=(("E86.0",), ("E87.1", "R11.2")),
        steps=(fluid("dextrose-5-half-normal-saline", 1000, (118, 245)),),
    ),
    Regimen(
        name="infliximab",
        weight=4,
        classes=_CLINIC,
        diagnoses=(("K50.90",), ("M06.9",)),
        steps=(
            _TABLET,
            _DIPHENHYDRAMINE,
            bag("infliximab", "5/kg:100", (115, 140))._replace(
                rates=(40, 80, 150, 250), gap=(15, 30)
            ),
        ),
    ),
    Regimen(
        name="ceftriaxone and vancomycin",
        weight=3,
        classes=("outpatient", "emergency"),
        diagnoses=(("L03.115",), ("A41.9",)),
        steps=(
            bag("ceftriaxone", "1000", (14, 33), 50),
            bag("vancomycin", "15/kg:250", (58, 95)),
        ),
    ),
    Regimen(
        name="vancomycin overnight",
        weight=3,
        classes=("observation",),
        diagnoses=(("L03.115",), ("R50.81", "D70.1")),
        steps=(
            _SALINE_LITRE._replace(minutes=(230, 250)),
            bag("ceftriaxone", "2000", (28, 33), 50),
            bag("vancomycin", "15/kg:250", (88, 125))._replace(doses=2, spacing=720),
        ),
    ),
    Regimen(
        name="zoledronic acid",
        weight=3,
        classes=_CLINIC,
        diagnoses=(("C79.51", "C50.912"), ("M81.0",)),
        steps=(bag("zoledronic-acid", "4", (14, 19), 100),),
    ),
)

# Doses that the dial for mess adds to a visit: charted by mistake, held or refused.
STRAYS: tuple[RegimenStep, ...] = (
    push("ondansetron", "4", (0, 3)),
    push("diphenhydramine", "50", (0, 3)),
    bag("famotidine", "20", (15, 22), 50),
    bag("dexamethasone", "10", (15, 25), 50),
)

# Payer id (IN1-3) -> readable name (IN1-4).
PAYERS: dict[str, str] = {
    "ZEBRAMEDICARE": "ZEBRA MEDICARE INVENTED",
    "ZEBRACARE": "ZEBRA CARE INVENTED",
    "ZEBRAHEALTH": "ZEBRA HEALTH INVENTED",
}
