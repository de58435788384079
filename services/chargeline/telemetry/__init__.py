"""What chargeline tells its operators: metrics, logs and health pages.

It owns the names of metrics, log keys and pages, because operators build alerts and dashboards on
these names. It knows no visits and decides nothing: the programs call it when something happens.
"""
