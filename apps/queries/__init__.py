"""The only SQL of the apps: bound parameters, published tables, frames out."""
