"""What Python makes of each [format, arguments] in the JSON on standard input: [text], or the error's message."""
import json
import sys

results = []
for template, values in json.load(sys.stdin):
    named = len(values) == 1 and isinstance(values[0], dict)
    try:
        results.append([template % (values[0] if named else tuple(values))])
    except (TypeError, ValueError, OverflowError) as error:
        results.append(str(error))
    except KeyError as error:
        results.append("KeyError: %s" % error)
json.dump(results, sys.stdout)
