"""From demand to the mill: requirements, the weekly plan by line, and its hand-over."""
