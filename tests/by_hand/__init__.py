"""Programs that a person runs on data that the project does not have."""
