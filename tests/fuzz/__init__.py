"""The contract, held to with thousands of made-up requests of every role."""
