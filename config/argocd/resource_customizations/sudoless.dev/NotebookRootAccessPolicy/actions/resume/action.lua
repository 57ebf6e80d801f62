-- Set to false, not removed: an absent field would differ from a manifest with false.
obj.spec.suspend = false
return obj
