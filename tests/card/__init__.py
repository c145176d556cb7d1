"""The card's image, booted in QEMU as it is flashed: hw/test-image builds it and runs these, nothing else does."""
