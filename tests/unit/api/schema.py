# SPDX-License-Identifier: GPL-2.0
"""As much of JSON Schema as Documentation/openapi.yaml uses; anything else in it is an error."""

import re

KNOWN = {"type", "properties", "required", "additionalProperties", "items", "enum", "nullable", "minimum",
         "maximum", "maxLength", "pattern", "oneOf", "description", "$ref"}
TYPES = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool}


class Schemas:
    def __init__(self, spec):
        self.spec = spec

    def resolve(self, node):
        while "$ref" in node:
            found = self.spec
            for part in node["$ref"][2:].split("/"):
                found = found[part]
            node = found
        return node

    def wrong(self, schema, value, at="answer"):
        """What is wrong with @value, or None."""
        schema = self.resolve(schema)
        unknown = set(schema) - KNOWN
        if unknown:
            return "%s: the schema uses %s" % (at, unknown)
        if value is None:
            return None if schema.get("nullable") or None in schema.get("enum", ()) else at + " is null"
        kind = schema.get("type")
        if kind and (not isinstance(value, TYPES[kind]) or (isinstance(value, bool) and kind != "boolean")):
            return "%s is no %s: %.60r" % (at, kind, value)
        if "oneOf" in schema and all(self.wrong(one, value, at) for one in schema["oneOf"]):
            return "%s is none of what it may be: %.60r" % (at, value)
        return self.wrong_value(schema, value, at) or self.wrong_parts(schema, value, at)

    def wrong_value(self, schema, value, at):
        if "enum" in schema and value not in schema["enum"]:
            return "%s: %.60r is not among %s" % (at, value, schema["enum"])
        if isinstance(value, str):
            if "pattern" in schema and not re.search(schema["pattern"], value):
                return "%s: %.60r does not look like %s" % (at, value, schema["pattern"])
            if len(value) > schema.get("maxLength", len(value)):
                return at + " is too long"
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            if value < schema.get("minimum", value) or value > schema.get("maximum", value):
                return "%s: %r is out of range" % (at, value)
        return None

    def wrong_parts(self, schema, value, at):
        if isinstance(value, list):
            for i, item in enumerate(value):
                found = self.wrong(schema.get("items", {}), item, "%s[%d]" % (at, i))
                if found:
                    return found
        if not isinstance(value, dict):
            return None
        for name in schema.get("required", ()):
            if name not in value:
                return "%s lacks %s" % (at, name)
        more = schema.get("additionalProperties", True)
        for name, part in value.items():
            if name in schema.get("properties", {}):
                found = self.wrong(schema["properties"][name], part, at + "." + name)
            elif more is False:
                found = "%s has %s" % (at, name)
            else:
                found = self.wrong(more, part, at + "." + name) if isinstance(more, dict) else None
            if found:
                return found
        return None
