"""What `cmexam_baseline.metrics.segment` is made of: dictionary, trie, word graph, unknown words, cache."""
