"""What the commands share: exit codes, how to mend an error, the project they run in, progress, what a person types."""
