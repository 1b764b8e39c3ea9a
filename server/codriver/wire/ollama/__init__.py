"""What Ollama's two wires share: its options, its lines, its counts. The codecs are ollama_chat and ollama_generate.

https://docs.ollama.com/api. Durations are nanoseconds; a stream is lines of JSON, the last one with
`done`; a tool call comes whole, and may have no id.
"""
