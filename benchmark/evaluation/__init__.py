"""What scores amount to: figures beside AUROC and accuracy, curves, how far they can be trusted, two methods compared."""
