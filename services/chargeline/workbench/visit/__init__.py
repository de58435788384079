"""The Visit screen: one visit with its timeline, lines, questions and the messages behind them.

It is pure: drafts, rows and the moment come in, values and SVG come out. It knows no web framework
and no database, and it decides nothing about codes.
"""
