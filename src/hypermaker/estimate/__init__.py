"""What the market tells us: one O(1) estimator a file, each with its error bar."""
