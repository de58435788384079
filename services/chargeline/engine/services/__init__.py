"""What kind of service each administration is, taken by itself.

It owns the questions that need no look at the rest of the encounter: which drug, which class, which
technique, how many running minutes. It does not know the place of a service among others, such as
initial or sequential; `infusions/` decides that.
"""
