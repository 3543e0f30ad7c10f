"""Sound of listeners and sources that move: one continuous recording. May import: acoustics, engines, receivers."""
