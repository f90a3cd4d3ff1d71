"""x"""
def smallest(trial, seed): return None
