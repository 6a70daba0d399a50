"""`make demo`: the gateway's main job, shown with real requests to a real local model.

Here live the programs that start, show and stop it. Nothing of the gateway itself lives here.
"""
