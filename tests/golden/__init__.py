"""Golden stories: one sentence each, from HL7 bytes to codes."""
