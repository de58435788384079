"""What kind of service each administration is, taken by itself.

It owns the questions that can be answered without looking at the rest of the encounter: which drug,
which class, which technique, how many running minutes. The choice of the initial service and all
that is relative to others are the business of `infusions/`.
"""
