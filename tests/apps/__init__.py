"""The portal's tests: queries, words, figures, pages as a reader meets them."""
