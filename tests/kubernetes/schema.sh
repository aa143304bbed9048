#!/bin/bash
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
#
# schema.sh MANIFESTS - the manifests keep to the published schemas of Kubernetes and cert-manager: by
# their TypeScript types (no field that does not exist, none missing, none of another type) and by
# their JSON schemas (formats, patterns). Skipped (77) where the npm packages that carry them
# (tests/packages.sh slow) are not installed.
set -euo pipefail
manifests=$(realpath "$1")
command -v npm >/dev/null || exit 77
modules=$(npm root -g)
for package in kubernetes-models @kubernetes-models/cert-manager typescript; do
  [ -d "$modules/$package" ] || { echo "the npm package $package is not installed"; exit 77; }
done
python3 -c 'import yaml' || exit 77
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
ln -s "$modules" node_modules

# A program that has each object as a literal of its type: so what the type does not have is an error.
python3 - "$manifests"/*.yaml >manifests.cts <<'END'
import json
import sys
import yaml

count = 0
for path in sys.argv[1:]:
    for thing in yaml.safe_load_all(open(path)):
        group, _, version = thing["apiVersion"].rpartition("/")
        package = "@kubernetes-models/cert-manager" if group == "cert-manager.io" else "kubernetes-models"
        place = "/".join(filter(None, [package, group, version]))
        count += 1
        print(f'import {{ {thing["kind"]} as Kind{count}, I{thing["kind"]} as Type{count} }} from "{place}";')
        print(f"const thing{count}: Type{count} = {json.dumps(thing)};")
        print(f"new Kind{count}(thing{count}).validate();")
        print(f'console.log({json.dumps(path.rpartition("/")[2] + ": " + thing["kind"] + ": good")});')
END
node_modules/typescript/bin/tsc --strict --module nodenext --moduleResolution nodenext --preserveSymlinks --skipLibCheck \
  manifests.cts
node --preserve-symlinks --preserve-symlinks-main manifests.cjs | tee said
[ "$(wc -l <said)" = 4 ]
