#!/bin/bash
# Installs each folder with the installer that it is named after.
set -e
export YARN_ENABLE_TELEMETRY=0 YARN_ENABLE_GLOBAL_CACHE=false
YARN_NPM_REGISTRY_SERVER=$(npm config get registry)
export YARN_NPM_REGISTRY_SERVER
pnpm --dir pnpm install --frozen-lockfile
YARN_PNP_ENABLE_ESM_LOADER=true yarn --cwd yarn-pnp install --immutable
