import type { Story } from './story.ts';
export const dependencyOutage: Story = {
  name: 'dependency-outage', title: 'x', about: 'x',
  services: {
    'payments-api': { version: 'v7', team: 'platform', component: 'Payments', needs: [] },
    checkout: { version: 'v41', team: 'payments', component: 'Checkout', needs: ['payments-api'] },
    orders: { version: 'v12', team: 'orders', component: 'Orders', needs: ['payments-api'] },
  },
  async play(stage) {
    await stage.pass(2);
    stage.toy('payments-api').down = true;
    await stage.until('incidents', async () => (await stage.incidents()).length > 3);
    await stage.pass(6);
    stage.toy('payments-api').down = false;
    await stage.until('resolved', async () => (await stage.incidents()).every(({ status }) => status === 'resolved'));
    return [];
  },
};
