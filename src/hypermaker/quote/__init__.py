"""What we would like to quote: value of inventory, ladder, premium, the venue's grid."""
