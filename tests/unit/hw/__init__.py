"""Tests of what makes the card's image, as far as no image is needed."""
