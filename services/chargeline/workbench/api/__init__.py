"""The API of the workbench: what its pages show and take, as JSON, for programs and for scripts.

It owns the addresses under /api/v1, their shapes and their document (OpenAPI 3.1). What it shows
and keeps is made by the same functions as the pages. Start with `document.py`.
"""
