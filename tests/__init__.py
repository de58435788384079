"""The tests of chargeline, laid out like `services/`; each test is one claim, named as a
sentence.
"""
