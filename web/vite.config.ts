import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// Addresses inside the page are relative: the same files work at the root of a node and in a folder of any other host.
export default defineConfig({
  base: './',
  plugins: [react()],
  worker: { format: 'es' },
  build: { target: 'es2023', sourcemap: false, assetsInlineLimit: 0, modulePreload: { polyfill: false } },
});
