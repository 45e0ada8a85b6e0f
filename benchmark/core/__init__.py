"""What every room stands on: errors, files on disk, where figures come from, seeds, validated settings, terms."""
