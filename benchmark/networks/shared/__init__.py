"""What several networks share. A file here names no network; one beside this folder does."""
