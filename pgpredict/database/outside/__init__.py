"""Learners that run in the worker: scikit-learn itself learns what the database claims and keeps.

pupil      what a learner is made of, and its estimator at a state
teaching   one call of partial_fit, and what is said of rows before
stored     an estimator as bytes that nothing runs, and back, to go on bit for bit
arrays     arrays of numpy as parameters of statements
numbers    the numbers that an estimator holds, wherever in it
preparing  an estimator as it is given: can it learn so, does something in SQL answer for it
learning   claim, learn, keep: one transaction
parts      a batch, or where that fails its halves
replaying  what was learnt, once more: states that are not kept, without some rows
agreeing   does the database answer as the estimator does
"""
