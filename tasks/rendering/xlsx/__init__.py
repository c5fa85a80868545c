"""Workbooks (ECMA-376, transitional): the parts of one, each written as it comes."""
