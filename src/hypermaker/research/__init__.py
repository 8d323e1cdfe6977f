"""What recordings teach: the estimators over a whole tape, with error bars, verdicts and a plot."""
