"""Bundles: copies of one network trained side by side, which the two studies on SGD's noise and on flatness consist of."""
