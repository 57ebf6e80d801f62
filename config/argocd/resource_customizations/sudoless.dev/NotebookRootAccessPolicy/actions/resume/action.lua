-- Not removed: a manifest that says false would differ from it.
obj.spec.suspend = false
return obj
