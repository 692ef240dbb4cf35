"""Copies of traces as other viewers want them: TensorBoard, ui.perfetto.dev."""
