"""The metrics of the product, by what they tell of: their names, labels, meaning, and what to do.

Each module owns the metrics of one area, and which programs have an area stands in `metrics.py`.
"""
