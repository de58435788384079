"""What chargeline says about itself: metrics, logs, health, and the settings that it runs with.

It owns the names that operators see. It knows no visits and decides nothing: programs tell it what
happened.
"""
