"""The parts of `cmexam_baseline.metrics.segment`: dictionary, trie, word graph, unknown words, cache."""
