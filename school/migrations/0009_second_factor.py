"""Create second factors and recovery codes, and the policy of a network."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('school', '0008_drop_library_tokens'),
    ]

    operations = [
        migrations.AddField(
            model_name='network',
            name='requires_second_factor',
            field=models.BooleanField(db_default=False, default=False, help_text='Administrators and staff of this network and its schools, and superusers, can do nothing else before they have set up a second factor.', verbose_name='requires a second factor'),
        ),
        migrations.CreateModel(
            name='SecondFactor',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('secret', models.TextField()),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('confirmed_at', models.DateTimeField(null=True)),
                ('last_step', models.BigIntegerField(default=0)),
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='second_factor', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='RecoveryCode',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(max_length=64)),
                ('used_at', models.DateTimeField(null=True)),
                ('second_factor', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='recovery_codes', to='school.secondfactor')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('second_factor', 'digest'), name='recovery_code_once_a_factor')],
            },
        ),
    ]
