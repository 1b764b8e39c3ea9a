"""The maintained price tables of others -> one sheet of facts for each provider, and where they disagree.

entry     one model as one table has it
genai     the table of the package genai-prices
litellm   the table inside the package litellm
merging   both -> facts.Sheet and a list of differences for a person to judge
renewing  a newer genai-prices over the sheets that are here
"""
