"""How `cmexam_baseline.metrics.segment` cuts texts into jieba's words: dictionary, trie, word graph, HMM, cache."""
