"""What a run found out: its folder, its typed record, its scores, and where all folders lie."""
