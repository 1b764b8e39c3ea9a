"""Outcome matrices in, proof out: training, cross-validation, measures with intervals. The only room with numpy."""
