"""Golden stories: each leads from HL7 messages to codes, and one sentence says what it claims."""
