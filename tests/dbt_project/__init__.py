"""Tests of the warehouse: dbt on a small lake."""
