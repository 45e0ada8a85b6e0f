"""What several augmentations share. A file here is no augmentation; one beside this folder is."""
