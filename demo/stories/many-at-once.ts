import type { Story } from './story.ts';
const plan = (version: string) => ({ version, team: 'platform', component: 'Shop', needs: [] });
export const manyAtOnce: Story = {
  name: 'many-at-once', title: 'x', about: 'x',
  services: {
    accounts: plan('v3'), cart: plan('v12'), catalog: plan('v8'), checkout: plan('v41'), email: plan('v2'), orders: plan('v12'), reviews: plan('v5'), search: plan('v77'),
  },
  async play(stage) {
    await stage.pass(2);
    await stage.deploy('search', 'v78', { failing: 0 });
    for (const toy of stage.toys) toy.down = true;
    await stage.until('incidents', async () => (await stage.incidents()).length > 8);
    await stage.pass(6);
    for (const toy of stage.toys) toy.down = false;
    await stage.until('resolved', async () => (await stage.incidents()).every(({ status }) => status === 'resolved'));
    return [];
  },
};
