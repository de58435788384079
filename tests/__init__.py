"""The tests of chargeline, laid out like `services/`.

Each test makes one claim, and the name of the test is that claim as a sentence.
"""
