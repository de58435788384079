"""Tests of the HL7 package, with one message that they share. All patients are invented."""

RAS = (
    r"MSH|^~\&|PHARM|GENHOSP|CHARGE|GENHOSP|20240312101500||RAS^O17^RAS_O17|MSG00001|P|2.5.1" + "\r"
    "PID|1||99000001^^^GENHOSP^MR~88000002^^^STATE^SS||TESTPATIENT^ZEBRA^Q||19500101|F\r"
    "PV1|1|O|L&D^CHAIR4||||||||||||||||V0000001^^^GENHOSP^VN\r"
    "ORC|RE|ORD1001^EHR|PH2001^PHARM\r"
    "RXA|0|1|20240312091500|20240312101500|J9171^DOCEtaxel^HCPCS|140|mg^milligram^UCUM\r"
    "RXR|IV^Intravenous^HL70162\r"
    "RXA|0|2|20240312101500||J1100^dexamethasone^HCPCS|10|mg\r"
    "RXR|IVP^Push^L\r"
).encode()


def with_header(**fields: str) -> bytes:
    """The sample message with other header fields, given as MSH_18="UTF-8"."""
    header, _, body = RAS.decode().partition("\r")
    row = header.split("|")
    for name, text in fields.items():
        at = int(name.removeprefix("MSH_")) - 1
        row += [""] * (at + 1 - len(row))
        row[at] = text
    return f"{'|'.join(row)}\r{body}".encode()
