"""The configuration file → frozen, validated objects: parameters, recipes, tasks, and the run that they make."""
