"""Which code bills a product that has another one for patients on dialysis.

It owns what is known of the patient's kidneys, and the question where that is not enough. It knows
no drug and no code of a drug: the rows of the formulary say who has two, and a rule chooses. The
codes for dialysis are for end-stage renal disease and dialysis together, so one of the two
diagnoses decides nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import date

from chargeline.engine.care import Observation
from chargeline.engine.claim_words import DialysisCodeAs, RenalFact, SentCodeFact
from chargeline.engine.drugs.concerns import DIALYSIS_CODE, DialysisCodeFacts
from chargeline.engine.drugs.doses import ChosenCode, DrugDose
from chargeline.engine.encounters import Assessment
from chargeline.engine.formulary import Drug
from chargeline.engine.trace import Question, Step, ask

END_STAGE_RENAL_DISEASE = "N186"  # ICD-10-CM N18.6
DEPENDENCE_ON_DIALYSIS = "Z992"  # ICD-10-CM Z99.2
_ANSWERS: Mapping[str, RenalFact] = {"on_dialysis": "dialysis", "not_on_dialysis": "none"}
_IS_FOR_DIALYSIS: Mapping[DialysisCodeAs, bool | None] = {
    "dialysis": True,
    "others": False,
    "ask": None,
}
_IN_WORDS: Mapping[RenalFact, str] = {
    "doubtful": "one of the diagnoses N18.6 and Z99.2 without the other",
    "none": "the code for dialysis as sent, and neither of the diagnoses N18.6 and Z99.2",
    "unknown": "no diagnosis of the visit",
}


def chosen_code(doses: Sequence[DrugDose], assessment: Assessment) -> ChosenCode | None:
    """How the doses of one drug on one day are billed; None where the drug has one code only.

    Until somebody answers, the drug stands under the code that the sender named.
    """
    named = next((dose.drug for dose in doses if dose.drug.patients), doses[0].drug)
    day, formulary = doses[0].service.administration.day, assessment.formulary
    on_dialysis = formulary.for_patients(named, "dialysis", day)
    if on_dialysis is None:
        return None
    other = formulary.for_patients(named, "", day)
    if other is None:
        return None
    said = _said(doses)
    on_record = _dialysis_observed(assessment.encounter.observed, day)
    patient = said or renal_fact(assessment.context.diagnoses, on_record)
    sent: SentCodeFact = "dialysis" if named.patients and not said else "nothing"
    facts = DialysisCodeFacts(other.hcpcs, patient, sent, assessment.context.payer.upper())
    decision = assessment.rules.of(DIALYSIS_CODE).decide(facts)
    step = Step("code of the drug", decision, (("patient", patient), ("sent", sent)))
    is_for_dialysis = _IS_FOR_DIALYSIS[decision.answer.as_]
    if is_for_dialysis is None:
        return ChosenCode(named, step, (_question(doses, (on_dialysis, other), patient),))
    return ChosenCode(on_dialysis if is_for_dialysis else other, step)


def renal_fact(diagnoses: Sequence[str], dialysis: str = "") -> RenalFact:
    """What is known of a patient's kidneys.

    `diagnoses` are those of the visit (ICD-10-CM, with the point or without), and `dialysis` is yes
    or no where an observation says it. An observation of dialysis stands for Z99.2, and one of none
    decides by itself.
    """
    if dialysis == "no":
        return "none"
    codes = {diagnosis.replace(".", "").upper() for diagnosis in diagnoses}
    if dialysis == "yes":
        codes.add(DEPENDENCE_ON_DIALYSIS)
    if not codes:
        return "unknown"
    present = codes & {END_STAGE_RENAL_DISEASE, DEPENDENCE_ON_DIALYSIS}
    return ("none", "doubtful", "dialysis")[len(present)]


def _dialysis_observed(observed: Sequence[Observation], day: date) -> str:
    """The last word of the feed on dialysis, of a day or before; "" where there is none."""
    said = [one.value for one in observed if one.about == "dialysis" and one.day <= day]
    return said[-1] if said else ""


def _said(doses: Sequence[DrugDose]) -> RenalFact | None:
    """What a person last answered to the question below; None where nobody did."""
    answers = [
        _ANSWERS[answer.choice]
        for dose in doses
        for answer in dose.service.administration.answered
        if answer.code == "drug.codes" and answer.choice in _ANSWERS
    ]
    return answers[-1] if answers else None


def _question(doses: Sequence[DrugDose], rows: tuple[Drug, Drug], patient: RenalFact) -> Question:
    on_dialysis, other = rows
    items = [dose.service.administration for dose in doses]
    return ask(
        "drug.codes",
        expected=f"what decides between {on_dialysis.hcpcs} (end-stage renal disease on dialysis) "
        f"and {other.hcpcs} (everybody else)",
        found=_IN_WORDS[patient],
        do="say whether the patient has end-stage renal disease and is on dialysis, "
        "or send the diagnoses (DG1)",
        drug=other.id,
        administrations=tuple(dict.fromkeys([item.key for item in items])),
        sources=(items[0].drug_source,),
    )
